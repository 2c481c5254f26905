/** Checks the processes: none fails, hangs or ends by itself, and no living pod is declared dead. */
import { TIMING, TRY_AGAIN } from '../settings.js';
import type { Evidence } from './evidence.js';
import type { Violation } from './violation.js';

export function checkProcesses(evidence: Evidence): Violation[] {
  return [...broken(evidence), ...ended(evidence), ...evicted(evidence), ...file(evidence)];
}

function broken({ pods, submitters }: Evidence): Violation[] {
  return [...pods, ...submitters].flatMap(({ life, entries }) =>
    entries.flatMap(({ what, how }): Violation[] =>
      what === 'broken' ? [{ kind: 'process', text: `${life}: ${how}` }] : [],
    ),
  );
}

/** Only a superseded pod may end by itself, once it holds nothing. */
function ended({ choreography, pods }: Evidence): Violation[] {
  const superseded = pods.filter(({ entries }) =>
    entries.some(({ what, how }) => what === 'fenced' && how === 'superseded'),
  );
  return choreography.flatMap(({ what, life, how, code }): Violation[] => {
    if (what === 'hung') return [{ kind: 'process', text: `${life} did not stop` }];
    if (what !== 'exited' || life === 'locker' || how?.endsWith('by itself') !== true || code === TRY_AGAIN) return [];
    if (code === 0 && superseded.some((book) => book.life === life)) return [];
    return [{ kind: 'process', text: `${life} ended by itself: ${code ?? how}` }];
  });
}

/** Silence that is the library's fault: the pod was not killed, not frozen, and not held up by the machine. */
function evicted({ ends, lives, pods, choreography, scale }: Evidence): Violation[] {
  const deadAfterMs = TIMING.deadAfterMs * scale;
  return [...ends.values()].flatMap(({ incarnation, final, at }): Violation[] => {
    const life = lives.get(incarnation);
    if (final !== 'evicted') return [];
    const struck = choreography.some((entry) => entry.life === life && STRIKES.includes(entry.what) && entry.at <= at);
    const stalledMs = (pods.find((book) => book.life === life)?.entries ?? []).reduce(
      (sum, entry) => sum + (entry.what === 'stalled' && entry.at > at - 3 * deadAfterMs ? entry.lastsMs! : 0),
      0,
    );
    if (struck || stalledMs > deadAfterMs / 2) return [];
    return [{ kind: 'eviction', text: `${life} was declared dead, and was alive` }];
  });
}

const STRIKES = ['killed', 'frozen', 'terminated', 'exited'];

function file({ integrity }: Evidence): Violation[] {
  return integrity === 'ok' ? [] : [{ kind: 'process', text: `the file is damaged: ${integrity}` }];
}
