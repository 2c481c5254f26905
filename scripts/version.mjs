/**
 * Finishes what `changeset version` began. With `--check` it fails if something is left to do.
 *
 * Invariants:
 * - src/version.ts has the version of package.json.
 * - The changelog begins with its title and introduction. Changesets puts the new version above the introduction.
 * - The changelog has a section for the version of package.json. (The first version was written by hand: its heading
 *   replaces `## [Unreleased]`.)
 */
import { readFileSync, writeFileSync } from 'node:fs';

const at = (file) => new URL(`../${file}`, import.meta.url);
const read = (file) => readFileSync(at(file), 'utf8');
const check = process.argv.includes('--check');

const { version } = JSON.parse(read('package.json'));

write('src/version.ts', (text) => text.replace(/(VERSION = ')[^']*/, `$1${version}`));
write('CHANGELOG.md', (text) => inOrder(text));

if (!read('CHANGELOG.md').includes(`\n## ${version}\n`)) fail(`CHANGELOG.md has no section "## ${version}"`);

/** The title, the introduction, then the versions, newest first. */
function inOrder(text) {
  const [, title, newest, introduction, older] =
    /^(# .*\n\n)([^]*?)(All notable changes [^]*?\n)(\n## [^]*)?$/.exec(text) ?? [];
  if (!newest) return text;
  return `${title}${introduction}\n${newest.trimEnd()}\n${older ?? ''}`;
}

function write(file, change) {
  const before = read(file);
  const after = change(before);
  if (after === before) return;
  if (check) fail(`${file} is not in order: node scripts/version.mjs`);
  else writeFileSync(at(file), after);
}

function fail(what) {
  console.error(what);
  process.exitCode = 1;
}
