/** The picture of the README shows what the demo printed. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { read } from './markdown.js';

const PICTURE = 'docs/images/demo.svg';

describe('the picture of the README', () => {
  test('is what scripts/picture.mjs draws', () => {
    const script = fileURLToPath(new URL('../../scripts/picture.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('has every line that the demo printed', () => {
    const shown = read(PICTURE)
      .replaceAll(/<\/?tspan[^>]*>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
    const lines = read('docs/images/demo.txt')
      .split('\n')
      .map((line) => line.replaceAll(/[█░]/g, '').trim());
    expect(lines).toContain('No step is lost, wrong or settled twice.');
    expect(lines.filter((line) => !shown.includes(line))).toEqual([]);
  });

  test('has colours for a dark page, and nothing that a page would not load or run', () => {
    const picture = read(PICTURE);
    expect(picture).toContain('@media (prefers-color-scheme: dark)');
    expect(picture).not.toMatch(/<script|<image|<foreignObject|href=|url\(|@import| on\w+=/);
  });

  test('is shown by an address that the page of the package can load', () => {
    expect(read('README.md')).toContain(`](https://raw.githubusercontent.com/fleet-q/fleet-q/main/${PICTURE})`);
  });
});
