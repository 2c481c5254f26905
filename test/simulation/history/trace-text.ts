/**
 * A history as text, one line an entry, for people and for the test that the same seed gives the same history.
 *
 * Invariants:
 * - The text depends on the entries alone: two histories with the same entries have the same text, byte for byte.
 * - UUIDs are named in the order in which they come: `id-1`, `id-2` … This loses nothing: no entry has parts of one.
 */
import type { Entry, StepState } from './history.js';

/** What a UUID looks like, and with what a token may begin. */
const ID = /(alone-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export function traceText(entries: readonly Entry[]): string {
  const names = new Map<string, string>();
  const named = (text: string): string => text.replaceAll(ID, (id) => nameOf(id, names));
  return entries.map((entry, index) => named(`${placeOf(index, entry.at)} ${lineOf(entry)}`)).join('\n');
}

/** One entry, as a line without its time. */
function lineOf(entry: Entry): string {
  switch (entry.kind) {
    case 'row': {
      const { before, after, table } = entry;
      const known = after ?? before;
      const what = before === undefined ? `+ ${stateText(after)}` : changeText(before, after);
      return line('row', table === 'archive' && 'archive', known?.stepId, known?.rowId, what, by(entry.process));
    }
    case 'member':
      return line('member', entry.podId, entry.incarnation, entry.event, by(entry.process));
    case 'asked':
      return line(
        'asked',
        `#${entry.call}`,
        entry.process,
        entry.method,
        entry.stepId,
        entry.key,
        fieldsText(entry.details),
      );
    case 'told':
      return line('told', `#${entry.call}`, entry.error, entry.stepIds?.join(' '), valueText(entry.answer));
    case 'began':
      return line('began', `run ${entry.run}`, entry.process, entry.stepId, `attempt ${entry.attempt}`);
    case 'ended':
      return line('ended', `run ${entry.run}`, entry.how, entry.aborted && 'aborted');
    case 'event':
      return line('event', entry.process, entry.name, entry.stepId, fieldsText(entry.fields));
    case 'fault':
      return line(
        'fault',
        entry.name,
        entry.process,
        entry.until !== undefined && `until ${entry.until}`,
        fieldsText(entry.details),
      );
    case 'process':
      return line(
        'process',
        entry.process,
        entry.podId,
        entry.what,
        fieldsText(entry.settings),
        fieldsText(entry.details),
      );
    case 'calm':
      return 'calm';
    case 'finished': {
      const alive = entry.alive.map(({ process, isLeader, phase, problems, held }) =>
        line(
          process,
          phase,
          isLeader && 'leads',
          held > 0 && `holds ${held}`,
          problems.length > 0 && `problems: ${problems.join('; ')}`,
        ),
      );
      const timers = Object.entries(entry.timersLeft).filter(([, left]) => left > 0);
      const rows = [...entry.steps, ...entry.archived].map((state) => `${state.stepId} ${stateText(state)}`);
      const left = timers.map(([process, count]) => `${count} timers of ${process} are left`);
      return ['finished', `drained at ${entry.drainedAt}`, ...alive, ...left, ...rows].join('\n          ');
    }
  }
}

function placeOf(index: number, at: number): string {
  return `${String(index).padStart(5)} ${at.toFixed(3).padStart(12)}`;
}

function by(process: string | undefined): string | false {
  return process !== undefined && `by ${process}`;
}

function stateText(state: StepState | undefined): string {
  if (state === undefined) return '(none)';
  const { status, version, type, priority, maxRetries, dueAt } = state;
  return `${status} v${version} ${type} priority ${priority} due ${dueAt} most ${maxRetries}${restOf(state)}`;
}

/** Only what changed. */
function changeText(before: StepState, after: StepState | undefined): string {
  const from = `${before.status} v${before.version}`;
  if (after === undefined) return `${from} → (removed)`;
  const due = after.dueAt === before.dueAt ? '' : ` due ${after.dueAt}`;
  return `${from} → ${after.status} v${after.version}${due}${restOf(after)}`;
}

function restOf({ retryCount, crashes, claimToken, claimedIncarnation, settledBy, errorCode }: StepState): string {
  const parts = [
    retryCount > 0 && `retries ${retryCount}`,
    crashes > 0 && `crashes ${crashes}`,
    claimToken !== null && `token ${claimToken}`,
    claimedIncarnation !== null && `of ${claimedIncarnation}`,
    settledBy !== null && `settled by ${settledBy}`,
    errorCode,
  ];
  return parts.map((part) => (typeof part === 'string' ? ` ${part}` : '')).join('');
}

function fieldsText(fields: object | undefined): string {
  const given = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return given.map(([name, value]) => `${name}=${valueText(value)}`).join(' ');
}

function valueText(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function line(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join(' ');
}

function nameOf(id: string, names: Map<string, string>): string {
  let name = names.get(id);
  if (name === undefined) {
    name = id.startsWith('alone-') ? `alone-${names.size + 1}` : `id-${names.size + 1}`;
    names.set(id, name);
  }
  return name;
}
