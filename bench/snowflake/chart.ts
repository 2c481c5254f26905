/** The chart of the results, for the documentation: one row of bars for each figure, longer is more. */
import { shown, type Results } from './report.js';
import type { Figure } from './figures/figures.js';

const ROWS: readonly { readonly figure: Figure; readonly title: string }[] = [
  { figure: 'statementsPer1000TenPods', title: 'Statements for 1,000 steps, ten pods' },
  { figure: 'fortyPodsCapacity', title: 'Share of capacity, 40 pods with steps of 1 s (more is better)' },
  { figure: 'fortyPodsSettleP99S', title: 'From a step’s end to its settlement, 40 pods, p99, in seconds' },
  { figure: 'idleStatementsPerHour', title: 'Statements an hour, ten idle pods' },
  { figure: 'creditsPerMillionSteps', title: 'Credits for a million steps, ten pods' },
];
const SCHEMES = [
  { name: 'ours', title: 'FLEET-Q' },
  { name: 'direct', title: 'one UPDATE a pod' },
  { name: 'naive', title: 'the Python FLEET-Q' },
] as const;
const [WIDTH, LEFT, BAR, ROW] = [760, 170, 400, 92];

/** An SVG, for light and dark pages. The bars of a figure share a scale: its longest bar is as long as any other's. */
export function chart(results: Results): string {
  const height = ROWS.length * ROW + 16;
  const rows = ROWS.map(({ figure, title }, n) => {
    const values = SCHEMES.map(({ name }) => results[name][figure]);
    const most = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
    const bars = SCHEMES.map(({ name, title: scheme }, i) => {
      const [value, y] = [values[i] ?? null, 30 + i * 20];
      const width = Math.max(1, ((value ?? 0) / most) * BAR).toFixed(1);
      return `    <text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${scheme}</text>
    <rect class="${name}" x="${LEFT}" y="${y}" width="${width}" height="15" rx="2" />
    <text x="${LEFT + Number(width) + 6}" y="${y + 12}">${shown(value)}</text>`;
    });
    return `  <g transform="translate(0 ${n * ROW + 8})">
    <text class="title" x="16" y="18">${title}</text>
${bars.join('\n')}
  </g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
  <title id="title">FLEET-Q on a modelled Snowflake warehouse, beside one UPDATE a pod and the Python FLEET-Q</title>
  <style>
    .page { fill: #ffffff; stroke: #d0d7de; }
    text { font: 12px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 13px; }
    .ours { fill: #0969da; }
    .direct { fill: #8c959f; }
    .naive { fill: #bc4c00; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #30363d; }
      text { fill: #e6edf3; }
      .ours { fill: #4493f8; }
      .direct { fill: #9198a1; }
      .naive { fill: #db6d28; }
    }
  </style>
  <rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6" />
${rows.join('\n')}
</svg>
`;
}
