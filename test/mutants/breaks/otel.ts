import type { Break } from '../break.js';

export const otelBreaks: readonly Break[] = [
  {
    name: 'otel/run-spans: a run is the child of its submission, though links were asked for',
    file: 'src/otel/run-spans.ts',
    find: "const parent = relation === 'parent' ? carried : trace.deleteSpan(carried);",
    replace: "const parent = relation === 'link' ? carried : trace.deleteSpan(carried);",
    tests: ['test/otel/spans.test.ts'],
  },
  {
    name: 'otel/run-spans: a run is not linked to its submission',
    file: 'src/otel/run-spans.ts',
    find: 'links: isLinked ? [{ context: submission }] : [],',
    replace: 'links: isLinked ? [] : [],',
    tests: ['test/otel/spans.test.ts'],
  },
  {
    name: 'otel/run-spans: the handler does not run in its span',
    file: 'src/otel/run-spans.ts',
    find: 'const inside = trace.setSpan(carried, span);',
    replace: 'const inside = carried;',
    tests: ['test/otel/spans.test.ts'],
  },
  {
    name: 'otel/run-spans: the span lasts until the store has confirmed the outcome',
    file: 'src/otel/run-spans.ts',
    find: 'span.end(startedAt + (run.durationMs ?? 0));',
    replace: 'span.end(startedAt < 0 ? 0 : undefined);',
    tests: ['test/otel/spans.test.ts'],
  },
  {
    name: 'otel/submit-spans: the trace context is not stored with the step',
    file: 'src/otel/submit-spans.ts',
    find: 'submission.carrier ??= boundedCarrier(written);',
    replace: 'boundedCarrier(written);',
    tests: ['test/otel/spans.test.ts'],
  },
  {
    name: 'otel/bounded-carrier: a long baggage costs the trace',
    file: 'src/otel/bounded-carrier.ts',
    find: 'carrier = grown;',
    replace: 'carrier = grown;\n    else return undefined;',
    tests: ['test/otel/spans.test.ts'],
  },
  {
    name: 'otel/trace-fleet-q: a tracer that throws ends the process',
    file: 'src/otel/trace-fleet-q.ts',
    find: 'diag.error(`fleet-q/otel: a span of ${name} could not be recorded`, error);',
    replace: 'diag.error(name);\n      throw error;',
    tests: ['test/otel/spans.test.ts'],
  },
];
