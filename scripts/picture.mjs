/**
 * Draws the picture of the README, `docs/images/demo.svg`, from what `npx fleet-q demo` printed, `docs/images/demo.txt`.
 *
 * `node scripts/picture.mjs` draws it. With `--check` it compares and writes nothing. With `--record FOLDER` it first runs the
 * demo in that folder, where fleet-q is installed, in a terminal (by `script` of util-linux), and keeps its last screen.
 *
 * Invariants:
 * - The same text gives the same picture. Nothing is drawn that the demo has not printed, except the prompt.
 * - It is readable on a light and on a dark page.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const COMMAND = 'npx fleet-q demo';
const root = fileURLToPath(new URL('..', import.meta.url));
const recorded = path.join(root, 'docs/images/demo.txt');
const picture = path.join(root, 'docs/images/demo.svg');

const SIZE = 14;
/** The width of a character of a monospaced font. */
const ADVANCE = SIZE * 0.6;
const LEADING = 21;
const PADDING = 20;
const BAR_HEIGHT = 40;

/** The class of a line. The first match counts. */
const LINES = [
  [/SIGKILL; it was running/, 'bad'],
  [/SIGSTOP; it was running/, 'cold'],
  [/declared dead/, 'warm'],
  [/^No step is lost/, 'good'],
];

const STYLE = `
    .page { fill: #ffffff; stroke: #d0d7de; }
    text { font: ${SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; }
    .dot, .prompt { fill: #59636e; }
    .bad { fill: #cf222e; } .cold { fill: #0969da; } .warm { fill: #9a6700; } .good, .bar { fill: #1a7f37; }
    .rest { fill: #d0d7de; } .strong { font-weight: 600; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #3d444d; }
      text { fill: #f0f6fc; }
      .dot, .prompt { fill: #9198a1; }
      .bad { fill: #ff7b72; } .cold { fill: #79c0ff; } .warm { fill: #e3b341; } .good, .bar { fill: #3fb950; }
      .rest { fill: #3d444d; }
    }`;

/** The picture of the lines of a terminal. */
function draw(lines) {
  const shown = [`$ ${COMMAND}`, ...lines];
  const columns = Math.max(...shown.map((line) => [...line].length));
  const width = Math.ceil(columns * ADVANCE + 2 * PADDING);
  const height = shown.length * LEADING + BAR_HEIGHT + PADDING;
  const dots = [0, 1, 2].map((i) => `<circle class="dot" cx="${PADDING + 6 + i * 20}" cy="20" r="5" opacity="0.5"/>`);
  const body = shown.map((line, i) => drawLine(line, BAR_HEIGHT + (i + 1) * LEADING - 6));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
  <title id="title">The output of ${COMMAND}: one pod is killed, another is frozen, and no step is lost</title>
  <style>${STYLE}
  </style>
  <rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
  ${[...dots, ...body.filter((line) => line !== '')].join('\n  ')}
</svg>
`;
}

function drawLine(line, y) {
  if (line.trim() === '') return '';
  const bar = /^( *)(█*)(░*)( .*)$/.exec(line);
  if (bar !== null && bar[2] + bar[3] !== '') return drawBar(bar, y);
  const name = LINES.find(([pattern]) => pattern.test(line))?.[1];
  const attribute = name === undefined ? '' : ` class="${name}"`;
  return `<text${attribute} x="${PADDING}" y="${y}" xml:space="preserve">${withParts(line)}</text>`;
}

/** The bar is drawn as rectangles, because fonts leave gaps between blocks. */
function drawBar([, indent, full, empty, text], y) {
  const at = (columns) => number(PADDING + columns * ADVANCE);
  const rect = (name, from, columns) =>
    `<rect class="${name}" x="${at(from)}" y="${y - 11}" width="${number(columns * ADVANCE)}" height="13"/>`;
  return [
    ...(full === '' ? [] : [rect('bar', indent.length, full.length)]),
    ...(empty === '' ? [] : [rect('rest', indent.length + full.length, empty.length)]),
    `<text x="${at(indent.length + full.length + empty.length)}" y="${y}" xml:space="preserve">${escaped(text)}</text>`,
  ].join('\n  ');
}

/** The number at the beginning of a line of the summary is strong; the star of the leader is warm. */
function withParts(line) {
  const count = /^( +)([\d.,]+)( {2}.*)$/.exec(line);
  if (count !== null) return `${count[1]}<tspan class="strong">${count[2]}</tspan>${escaped(count[3])}`;
  if (line.startsWith('$ ')) return `<tspan class="prompt">$</tspan>${escaped(line.slice(1))}`;
  return escaped(line).replace('★', '<tspan class="warm">★</tspan>');
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const number = (value) => Number(value.toFixed(2));

const ESC = '\u001b';
const CONTROLS = new RegExp(`(${ESC}\\[\\d*[AGJK]|\\n)`);
const UP = new RegExp(`^${ESC}\\[(\\d+)A$`);

/** The last screen of what a program has written: of the control sequences, those that the demo uses. */
function screenOf(output) {
  const lines = [''];
  for (const part of output.replaceAll('\r', '').split(CONTROLS)) {
    const up = UP.exec(part);
    if (up !== null) lines.splice(lines.length - 1 - Number(up[1]), Infinity, '');
    else if (part === '\n') lines.push('');
    else if (part === `${ESC}[1G`)
      lines[lines.length - 1] = ''; // npm draws over its spinner
    else if (!part.startsWith(ESC)) lines[lines.length - 1] += part;
  }
  return lines
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()
    .split('\n');
}

function record(folder) {
  const terminal = ['-qec', `stty cols 100; ${COMMAND}`, '/dev/null'];
  const { stdout, status } = spawnSync('script', terminal, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${COMMAND} ended with ${status}:\n${stdout}`);
  writeFileSync(recorded, `${screenOf(stdout).join('\n')}\n`);
}

function main() {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, record: { type: 'string' } } });
  if (values.record !== undefined) record(values.record);
  const drawn = draw(readFileSync(recorded, 'utf8').trimEnd().split('\n'));
  if (values.check !== true) return writeFileSync(picture, drawn);
  if (readFileSync(picture, 'utf8') === drawn) return undefined;
  console.error('docs/images/demo.svg is not what scripts/picture.mjs draws of docs/images/demo.txt; run it');
  process.exitCode = 1;
}

main();
