/** Checks that each acknowledged step is there once, as it was submitted, and terminal; and that no other step is there. */
import type { Entry } from '../ledger.js';
import { grouped, type Evidence, type Row } from './evidence.js';
import type { Violation } from './violation.js';

const TERMINAL = ['completed', 'failed', 'cancelled'];

export const isTerminal = (row: Row | undefined): boolean => row !== undefined && TERMINAL.includes(row.status);

/** The acknowledgements by step. */
export function acknowledgements({ submitters }: Evidence): Map<string, Entry[]> {
  const entries = submitters.flatMap((book) => book.entries.filter(({ what }) => what === 'acknowledged'));
  return grouped(entries, ({ stepId = '?' }) => stepId);
}

export function checkSubmissions(evidence: Evidence): Violation[] {
  const acknowledged = acknowledgements(evidence);
  return [
    ...lost(evidence, acknowledged),
    ...unlike(evidence, acknowledged),
    ...doubled(evidence),
    ...leftOver(evidence),
  ];
}

function lost({ rows }: Evidence, acknowledged: ReadonlyMap<string, Entry[]>): Violation[] {
  return [...acknowledged.keys()].flatMap((stepId) => {
    const row = rows.get(stepId);
    if (isTerminal(row)) return [];
    const text =
      row === undefined ? 'was acknowledged and is not there' : `was acknowledged and is ${row.status} at the end`;
    return [{ kind: 'lost', stepId, text }];
  });
}

/** An id belongs to the submission that it was acknowledged for. Only one acknowledgement may say `created`. */
function unlike({ rows }: Evidence, acknowledged: ReadonlyMap<string, Entry[]>): Violation[] {
  return [...acknowledged].flatMap(([stepId, entries]): Violation[] => {
    const row = rows.get(stepId);
    const other = entries.find(
      ({ origin, n, type }) =>
        row !== undefined && (row.args?.origin !== origin || row.args?.n !== n || row.type !== type),
    );
    const found: Violation[] = [];
    if (other !== undefined)
      found.push({ kind: 'submission', stepId, text: `is not what was acknowledged to ${other.origin}` });
    if (entries.filter(({ how }) => how === 'created').length > 1)
      found.push({ kind: 'submission', stepId, text: 'was acknowledged as new twice' });
    return found;
  });
}

/** One step for each submission, one for each key, and none without a submission. */
function doubled({ rows, submitters }: Evidence): Violation[] {
  const name = (origin: string | undefined, n: number | undefined): string => `${origin}#${n}`;
  const submitting = submitters.flatMap(({ entries }) => entries.filter(({ what }) => what === 'submitting'));
  const submitted = new Set(submitting.map(({ origin, n }) => name(origin, n)));
  const groups = grouped([...rows.values()], ({ args }) => name(args?.origin, args?.n));
  return [...groups].flatMap(([submission, [first, second]]): Violation[] => {
    if (!submitted.has(submission))
      return [{ kind: 'submission', stepId: first!.stepId, text: 'was submitted by nobody' }];
    if (second === undefined) return [];
    return [{ kind: 'submission', stepId: second.stepId, text: `is a second step for ${submission}` }];
  });
}

/** No step is left claimed or due. */
function leftOver({ rows }: Evidence): Violation[] {
  return [...rows.values()].flatMap(({ stepId, status, token }): Violation[] =>
    status === 'claimed' || status === 'pending' || token !== null
      ? [{ kind: 'leftClaimed', stepId, text: `is ${status} at the end${token === null ? '' : ', under a claim'}` }]
      : [],
  );
}
