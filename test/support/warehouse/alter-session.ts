/** Applies ALTER SESSION and USE to a session. */
import type { Account } from './account.js';
import type { Statement } from './statement-kind.js';
import type { Session } from './sessions.js';
import { leadingName } from './sql-text.js';
import { refusals } from './wire-replies.js';

/** Stores what the statement sets. Throws if it names a role or warehouse that does not exist. */
export function changeSession(session: Session, { kind, text }: Statement, account: Account): void {
  if (kind !== 'session') return;
  const altered = /^\s*ALTER\s+SESSION\s+(SET|UNSET)\b([^]*)$/i.exec(text);
  if (altered !== null) return alter(session, altered[1]!.toUpperCase() === 'SET', altered[2]!);
  const used = /^\s*USE\s+(ROLE|WAREHOUSE)\s+([^]+?)\s*;?\s*$/i.exec(text);
  if (used === null) return;
  const [name] = leadingName(used[2]!);
  const names = used[1]!.toUpperCase() === 'ROLE' ? account.options.roles : account.options.warehouses;
  if (name === undefined || !names.includes(name)) throw refusals.noSuchObject();
  if (used[1]!.toUpperCase() === 'ROLE') session.role = name;
  else session.warehouse = name;
}

function alter({ parameters }: Session, set: boolean, list: string): void {
  if (!set) {
    for (const [name] of list.matchAll(/\w+/g)) parameters.delete(name.toUpperCase());
    return;
  }
  for (const [, name, value] of list.matchAll(/(\w+)\s*=\s*('(?:[^'\\]|''|\\[^])*'|[^\s,;]+)/g)) {
    const plain = value!.startsWith("'") ? value!.slice(1, -1).replaceAll("''", "'") : value!;
    parameters.set(name!.toUpperCase(), plain);
  }
}
