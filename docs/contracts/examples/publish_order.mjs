// Publish one web order to Tekil: node publish_order.mjs BOOTSTRAP [TOPIC]
import { CloudEvent, Kafka as CloudEventsBinding } from 'cloudevents';
import { Kafka, Partitioners } from 'kafkajs';

const [bootstrap, topic = 'tekil.channel.v1'] = process.argv.slice(2);
const orderId = 'W-2003';

const coat = {
  line_id: '1',
  sku: 'coat-navy-m',
  quantity: 1,
  gross_minor: 9990,
  discounts: [{ funder: 'brand', promotion: 'spring', amount_minor: 999 }],
  net_minor: 8991,
  tax_minor: 1708,
  method: 'pickup',
  pickup_location_id: 'berlin-mitte',
};
const event = new CloudEvent({
  id: `${orderId}/submitted`,
  source: '/shop',
  type: 'order.submitted',
  subject: orderId,
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  data: {
    order_id: orderId,
    channel: 'web',
    brand: 'fjord',
    capture_location_id: 'web',
    currency: 'EUR',
    lines: [coat],
    tenders: [{ method: 'card', amount_minor: 10699 }],
  },
});

// The binding leaves the data an object, and attributes that are not set as headers without a value.
const { headers, value } = CloudEventsBinding.binary(event);
const message = {
  key: event.subject,
  headers: Object.fromEntries(Object.entries(headers).filter(([, text]) => text !== undefined)),
  value: JSON.stringify(value),
};

const kafka = new Kafka({ brokers: bootstrap.split(',') });
const producer = kafka.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
try {
  await producer.send({ topic, acks: -1, messages: [message] });
} finally {
  await producer.disconnect();
}
