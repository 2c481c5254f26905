/** docs/observability.md matches the code: each metric, option, key and line of the log, in both directions. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { EVENT_NAMES } from 'fleet-q';
import { EVENT_LINES } from '../../src/events/event-lines.js';
import { METRICS, type MetricRow } from '../../src/prometheus/metric-table.js';
import { fieldsOf } from './declared.js';
import { quoted, read, section, table } from './markdown.js';

const text = read('docs/observability.md');
const source = fileURLToPath(new URL('../../src/', import.meta.url));

describe('metrics', () => {
  const rows = ['### Steps', '### The pod and the fleet', '### Health', '### Counts of the store'].flatMap((heading) =>
    table(section(text, heading)),
  );

  test('each is in a table with its type, its labels and its meaning, in order, and no other', () => {
    const documented = rows.map((row) => ({
      name: quoted(row['Metric'])[0],
      kind: row['Type'],
      labels: quoted(row['Labels']),
      help: row['Meaning'],
    }));
    const made = Object.entries<MetricRow>(METRICS).map(([name, { kind, labels = [], help }]) => ({
      ...{ name: `fleetq_${name}`, kind, labels, help },
    }));
    expect(documented).toEqual(made);
  });

  test('every metric that the text names exists', () => {
    const named = quoted(text.replaceAll(/^\|.*$/gm, '')).flatMap((code) => code.match(/fleetq_\w+/g) ?? []);
    const prefix = 'fleetq_';
    expect(named.filter((name) => name !== prefix && !(name.slice(prefix.length) in METRICS))).toEqual([]);
  });

  test('each option is in the table, and no other', () => {
    const options = table(section(text, '### Options')).map((row) => quoted(row['Option'])[0]);
    expect(options).toEqual(fieldsOf('MetricsOptions', 'fleet-q/prometheus'));
  });
});

describe('logs', () => {
  test('each key is in the table, and no other', () => {
    const keys = table(section(text, '### Keys')).map((row) => quoted(row['Key'])[0]);
    expect(keys.toSorted()).toEqual(declaredKeys().toSorted());
  });

  test('each event has its lines in the table, and no other', () => {
    const rows = table(section(text, '### Lines of events'));
    const documented = rows.map((row) => [...quoted(row['Event']), row['Level'], ...quoted(row['Message'])]);
    const lines = Object.values(EVENT_LINES).map(({ event, level, message }) => [event, level, message]);
    expect(documented).toEqual(lines);
    expect([...new Set(lines.map(([event]) => event))].toSorted()).toEqual(EVENT_NAMES.toSorted());
  });

  test('each other line from info on is in the table with its level, and no other', () => {
    const documented = table(section(text, '### Other lines')).map(
      (row) => `${row['Level']}: ${quoted(row['Message'])[0]}`,
    );
    const written = sources()
      .flatMap(linesOf)
      .filter((line) => !line.startsWith('debug: '));
    expect(documented.toSorted()).toEqual([...new Set(written)].toSorted());
  });
});

/** The members of the interface LogFields. */
function declaredKeys(): string[] {
  const file = parsed('log/log-fields.ts');
  const found = file.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === 'LogFields');
  return (found as ts.InterfaceDeclaration).members.map((member) => member.name?.getText(file) ?? '');
}

/** The files of the library that write lines of the queue. */
function sources(): string[] {
  const beside = /^(http|cli|prometheus|otel|log)[/.]/;
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts') && !beside.test(file) && file !== 'events/event-lines.ts');
}

/** The calls of a logger with a literal message, as `level: message`. */
function linesOf(path: string): string[] {
  const file = parsed(path);
  const lines: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression;
      const isLog = /\blog$/i.test(expression.getText(file)) && /^(debug|info|warn|error)$/.test(name.text);
      if (isLog) for (const message of literalsOf(node.arguments[1])) lines.push(`${name.text}: ${message}`);
    }
    // log[level](…): the level is chosen at run time, and documented as the more important one
    if (ts.isCallExpression(node) && ts.isElementAccessExpression(node.expression))
      if (/\blog$/i.test(node.expression.expression.getText(file)))
        for (const message of literalsOf(node.arguments[1])) lines.push(`warn: ${message}`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return lines;
}

function literalsOf(node: ts.Expression | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isConditionalExpression(node)) return [...literalsOf(node.whenTrue), ...literalsOf(node.whenFalse)];
  return ts.isStringLiteralLike(node) ? [node.text] : [];
}

function parsed(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(source + path, 'utf8'), ts.ScriptTarget.Latest, true);
}
