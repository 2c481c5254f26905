/** The chart of the saturated fleets: for each size, what share of its capacity it uses, beside the naive scheme. */
import type { Outcome, Scheme } from './scenario.js';

const SCHEMES: readonly { readonly scheme: Scheme; readonly title: string }[] = [
  { scheme: 'fleet-q', title: 'FLEET-Q' },
  { scheme: 'naive', title: 'the Python FLEET-Q' },
];
const [WIDTH, LEFT, BAR, ROW] = [760, 170, 460, 74];

/** An SVG, for light and dark pages. All bars share a scale. */
export function chart(outcomes: readonly Outcome[]): string {
  const saturated = outcomes.filter(({ name, reading }) => name === 'saturated' && reading === 'a');
  const sizes = [...new Set(saturated.map(({ pods }) => pods))];
  const rows = sizes.map((pods, n) => {
    const bars = SCHEMES.map(({ scheme, title }, i) => {
      const share = saturated.find((one) => one.pods === pods && one.scheme === scheme)?.capacity ?? null;
      const [width, y] = [Math.max(1, Math.min(1, share ?? 0) * BAR), 28 + i * 20];
      return `    <text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${title}</text>
    <rect class="${scheme}" x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="15" rx="2" />
    <text x="${(LEFT + width + 6).toFixed(1)}" y="${y + 12}">${share === null ? 'not measured' : share.toFixed(2)}</text>`;
    });
    return `  <g transform="translate(0 ${n * ROW + 8})">
    <text class="title" x="16" y="18">${pods.toLocaleString('en')} pods with steps of 1 s: share of capacity</text>
${bars.join('\n')}
  </g>`;
  });
  const height = sizes.length * ROW + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
  <title id="title">Share of the capacity that saturated fleets use, by size, beside the Python FLEET-Q</title>
  <style>
    .page { fill: #ffffff; stroke: #d0d7de; }
    text { font: 12px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 13px; }
    .fleet-q { fill: #0969da; }
    .naive { fill: #bc4c00; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #30363d; }
      text { fill: #e6edf3; }
      .fleet-q { fill: #4493f8; }
      .naive { fill: #db6d28; }
    }
  </style>
  <rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6" />
${rows.join('\n')}
</svg>
`;
}
