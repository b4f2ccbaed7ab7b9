// Reads an AsyncAPI document with the AsyncAPI project's own parser.
//   node validate.mjs docs/contracts/asyncapi.yaml
// Prints what the parser understood, as JSON: for each address, the action and the required data fields of each message.
// Exits with 1 and one line per error or warning where it has any.
import { DiagnosticSeverity, Parser, fromFile } from '@asyncapi/parser';

const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();

const complaints = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);
for (const { message, path, code } of complaints) {
  console.error(`${path.join('.')}: ${message} (${code})`);
}
if (!document || complaints.length > 0) {
  process.exit(1);
}

const understood = {};
for (const operation of document.allOperations()) {
  for (const channel of operation.channels()) {
    const messages = channel.messages().all().map((message) => [message.name(), message.payload().required() ?? []]);
    understood[channel.address()] = { action: operation.action(), messages: Object.fromEntries(messages) };
  }
}
console.log(JSON.stringify(understood));
