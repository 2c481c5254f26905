/** The rules as Markdown: what `docs/simulation.md` lists. */
import { RULE_GROUPS } from './rules.js';

export function rulesText(): string {
  return RULE_GROUPS.map(({ title, rules }) => {
    const rows = rules.map(({ name, says }) => [name, says] as const);
    const width = Math.max(...rows.map(([name]) => name.length));
    const column = Math.max(...rows.map(([, says]) => says.length));
    const line = (name: string, says: string, fill = ' '): string =>
      `| ${name.padEnd(width, fill)} | ${says.padEnd(column, fill)} |`;
    const table = [line('Rule', 'What must hold'), line('', '', '-'), ...rows.map(([name, says]) => line(name, says))];
    return `### ${title}\n\n${table.join('\n')}`;
  }).join('\n\n');
}
