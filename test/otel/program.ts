/**
 * A pod with an OpenTelemetry SDK of its own: runs one step of the queue at this path, and prints the ids of the run's span.
 */
import { propagation, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { FleetQ } from '../../src/index.js';
import { traceFleetQ } from '../../src/otel.js';
import { sqlite } from '../../src/sqlite.js';

const [path = ''] = process.argv.slice(2);
const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
traceFleetQ();

const queue = new FleetQ({ store: sqlite({ path }) }).register('work', () => ({
  tenant: propagation.getActiveBaggage()?.getEntry('tenant')?.value,
  active: trace.getActiveSpan()?.spanContext().spanId,
}));
const ran = new Promise((resolve) => queue.on('step:completed', resolve));
await queue.start();
await ran;
await queue.stop();
const [span] = exporter.getFinishedSpans();
console.log(
  JSON.stringify({ name: span?.name, span: span?.spanContext(), links: span?.links.map((link) => link.context) }),
);
