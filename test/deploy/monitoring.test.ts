/** The dashboard and the alert rules: each metric, label and link that they name exists, and the rules do what they say. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS, type MetricRow } from '../../src/prometheus/metric-table.js';
import { read } from '../docs/markdown.js';
import { promtool } from '../support/promtool.js';
import { promqlNames } from './promql-names.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
  };
}

const folder = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
const { groups } = parse(read('deploy/prometheus/rules.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/grafana/fleet-q.json')) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const observability = read('docs/observability.md');

/** The labels that Prometheus adds to what it scrapes. */
const SCRAPED = ['namespace', 'job', 'instance'];

/** Series by name, as Prometheus stores them, and their labels. */
const series = new Map(
  Object.entries<MetricRow>(METRICS).flatMap(([name, { kind, labels = [] }]) => {
    const full = `fleetq_${name}`;
    const plain: [string, readonly string[]] = [full, labels];
    if (kind !== 'histogram') return [plain];
    return [
      [`${full}_bucket`, [...labels, 'le']],
      [`${full}_sum`, labels],
      [`${full}_count`, labels],
    ] as [string, readonly string[]][];
  }),
);

/** What an expression names and does not exist. */
function unknownIn(expression: string): string[] {
  const { metrics, labels } = promqlNames(expression);
  const known = new Set([...SCRAPED, ...[...metrics].flatMap((name) => series.get(name) ?? [])]);
  return [...[...metrics].filter((name) => !series.has(name)), ...[...labels].filter((label) => !known.has(label))];
}

test('the reader of PromQL finds metrics and labels, and what is unknown', () => {
  const names = promqlNames(
    'sum by (job, type) (rate(a_total{outcome="x", le=~".+"}[5m])) / on (job) b > 1e3 unless c',
  );
  expect([...names.metrics]).toEqual(['a_total', 'b', 'c']);
  expect([...names.labels]).toEqual(['job', 'type', 'outcome', 'le']);
  expect(unknownIn('rate(fleetq_pod_redy{kind="x"}[5m])')).toEqual(['fleetq_pod_redy', 'kind']);
  expect(() => promqlNames('sum(a')).toThrow('not closed');
  expect(() => promqlNames('a ; b')).toThrow('";" is no PromQL');
});

describe('deploy/prometheus/rules.yaml', () => {
  test.each(rules)('$alert names metrics and labels that exist', ({ expr }) => {
    expect(unknownIn(expr)).toEqual([]);
  });

  test.each(rules)('$alert has a severity, a summary, a description, and a runbook that exists', (rule) => {
    expect(rule.labels['severity']).toMatch(/^(critical|warning|info)$/);
    const { summary, description, runbook_url: url = '' } = rule.annotations;
    expect(summary).toMatch(/\S/);
    expect(description).toMatch(/\.$/);
    const [page, anchor] = url.split('#');
    expect(page).toBe('https://github.com/fleet-q/fleet-q/blob/main/docs/observability.md');
    const headings = [...observability.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
    expect(headings).toContain(anchor);
  });

  test.each(rules)('$alert shows labels that its expression keeps', ({ expr, annotations }) => {
    const shown = [
      ...Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g),
    ].map(([, label]) => label);
    const { metrics } = promqlNames(expr);
    const kept = new Set([...SCRAPED, ...[...metrics].flatMap((name) => series.get(name) ?? [])]);
    for (const label of shown) expect(kept).toContain(label);
  });

  test('docs/observability.md explains each alert, and no other', () => {
    const explained = [...observability.matchAll(/FleetQ(?!\b|\.|\()\w+/g)].map(([name]) => name);
    expect([...new Set(explained)].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  });

  test('tests.yaml tests each alert', () => {
    const { tests } = parse(read('deploy/prometheus/tests.yaml')) as { tests: { name: string }[] };
    const tested = new Set(tests.map(({ name }) => name.split(':')[0]));
    expect([...tested].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  });

  test.skipIf(promtool === undefined)('promtool finds no fault, and each alert fires when it should', () => {
    const run = (...args: readonly string[]) =>
      execFileSync(promtool ?? '', args, { cwd: folder, stdio: 'pipe' }).toString();
    expect(run('check', 'rules', 'rules.yaml')).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(run('test', 'rules', 'tests.yaml')).toContain('SUCCESS');
  });
});

describe('deploy/grafana/fleet-q.json', () => {
  test.each(panels)('$title: its metrics and labels exist, and it has a unit and a description', (panel) => {
    for (const { expr, datasource } of panel.targets ?? []) {
      expect(unknownIn(expr.replaceAll('[$__rate_interval]', '[5m]'))).toEqual([]);
      expect(datasource.uid).toBe('${datasource}');
    }
    expect(panel.targets).not.toEqual([]);
    expect(panel.fieldConfig?.defaults.unit).toMatch(/\S/);
    expect(panel.description).toMatch(/\.$/);
  });

  test('every variable that an expression uses is defined, and the data source can be chosen', () => {
    const defined = dashboard.templating.list.map(({ name }) => name);
    expect(defined).toEqual(['datasource', 'namespace', 'job', 'instance', 'type']);
    const used = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(/\$(?!__)\w+/g) ?? []));
    expect([...new Set(used)].filter((name) => !defined.includes(name.slice(1)))).toEqual([]);
  });

  test('no two panels overlap', () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x} ${y}`), title).toBeUndefined();
          taken.set(`${x} ${y}`, title);
        }
    expect(Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.x + gridPos.w))).toBeLessThanOrEqual(24);
  });

  test('every metric is on the dashboard or in a rule', () => {
    const shown = new Set(
      [...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...rules.map(({ expr }) => expr)]
        .flatMap((expr) => [...promqlNames(expr.replaceAll('[$__rate_interval]', '[5m]')).metrics])
        .map((name) => name.replace(/^fleetq_|_(bucket|sum|count)$/g, '')),
    );
    const unused = Object.keys(METRICS).filter((name) => !shown.has(name));
    expect(unused.toSorted()).toEqual([
      ...['pod_healthy', 'pod_paused', 'pod_slots', 'pod_uptime_seconds', 'recovery_seconds', 'store_outages_total'],
    ]);
  });
});

/** The anchor of a heading on GitHub. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');
}
