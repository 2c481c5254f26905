import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { rulesText } from './rules-text.js';

it('has each rule in docs/simulation.md, word for word', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/simulation.md', import.meta.url)), 'utf8');
  expect(page).toContain(rulesText());
});
