// Publishes CloudEvents to Tekil with nothing but the public SDKs: what any web shop could do.
//   node publish_order.mjs BOOTSTRAP TOPIC_PREFIX EVENTS.json
// EVENTS.json holds one CloudEvent in structured mode, or an array of them. Each goes to the channel topic in binary
// mode, its subject as the Kafka key. Prints how many were acknowledged.
import { readFile } from 'node:fs/promises';
import { CloudEvent, Kafka as CloudEventsBinding } from 'cloudevents';
import { Kafka, Partitioners, logLevel } from 'kafkajs';

const [bootstrap, topicPrefix, file] = process.argv.slice(2);
const told = [JSON.parse(await readFile(file, 'utf8'))].flat();
const events = told.map((event) => new CloudEvent({ datacontenttype: 'application/json', ...event }));
const messages = events.map((event) => {
  // The binding leaves the data an object, and attributes that are not set as headers without a value.
  const { headers, value } = CloudEventsBinding.binary(event);
  return {
    key: event.subject,
    headers: Object.fromEntries(Object.entries(headers).filter(([, text]) => text !== undefined)),
    value: JSON.stringify(value),
  };
});

const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.ERROR });
const producer = kafka.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
try {
  await producer.send({ topic: `${topicPrefix}tekil.channel.v1`, acks: -1, messages });
} finally {
  await producer.disconnect();
}
console.log(`published ${messages.length}`);
