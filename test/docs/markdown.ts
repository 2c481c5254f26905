/** Reads the parts of a Markdown page that tests compare with the code. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../../', import.meta.url));

/** The text of a file of the project. */
export function read(path: string): string {
  return readFileSync(`${project}${path}`, 'utf8');
}

/** README.md and the guides. */
export const GUIDES: readonly string[] = [
  'README.md',
  ...readdirSync(`${project}docs`)
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** The decisions, and their index. */
export const DECISIONS: readonly string[] = readdirSync(`${project}docs/decisions`)
  .filter((file) => file.endsWith('.md'))
  .map((file) => `docs/decisions/${file}`);

/** The text below the heading, up to the next heading of its level or above. */
export function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  const lines = text.split('\n');
  const start = lines.indexOf(heading);
  if (start === -1) throw new Error(`there is no "${heading}"`);
  const isEnd = (line: string): boolean => new RegExp(`^#{1,${level}} `).test(line);
  const end = lines.findIndex((line, at) => at > start && isEnd(line));
  return lines.slice(start, end === -1 ? undefined : end).join('\n');
}

/** The rows of the first table, as cells by column. */
export function table(text: string): readonly Readonly<Record<string, string>>[] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|'));
  const past = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  const [head = [], , ...rows] = lines.slice(start, past === -1 ? undefined : past).map(cells);
  return rows.map((row) => Object.fromEntries(head.map((column, at) => [column, row[at] ?? ''])));
}

/** The cells of all tables. */
export function cellsOf(text: string): readonly string[] {
  const lines = text.replaceAll(/^```[^]*?^```$/gm, '').split('\n');
  return lines.filter((line) => /^\s*\|.*\|\s*$/.test(line)).flatMap((line) => cells(line.trim()));
}

function cells(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf('|'))
    .split('|')
    .map((cell) => cell.trim());
}

/** All inline code, outside of fenced blocks. */
export function quoted(text = ''): string[] {
  return [...text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** The fenced blocks of a language. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code = '']) => code);
}
