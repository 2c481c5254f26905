/** The rules as Markdown: what `docs/simulation.md` lists. */
import { RULE_GROUPS } from './rules.js';

export function rulesText(): string {
  return RULE_GROUPS.map(({ title, rules }) => {
    const items = rules.map(({ name, says }) => `- **${name[0]?.toUpperCase()}${name.slice(1)}.** ${says}`);
    return `### ${title}\n\n${items.join('\n')}`;
  }).join('\n\n');
}
