/** The timeline of a step, to investigate a violation: its changes and its ledger entries, by time. */
import type { Evidence } from './evidence.js';

const LONGEST = 40;

export function timelineOf(stepId: string, { changes, lives, pods, submitters }: Evidence): string[] {
  const who = (incarnation: string | null): string => lives.get(incarnation ?? '') ?? incarnation ?? '-';
  const own = (changes.get(stepId) ?? []).map((change) => {
    const {
      at,
      fromStatus,
      fromVersion,
      fromIncarnation,
      status,
      version,
      incarnation,
      retries,
      crashes,
      settledBy,
      run,
    } = change;
    const from = `${fromStatus ?? ''}@${fromVersion ?? ''} (${who(fromIncarnation)})`;
    const to = `${status}@${version} (${who(incarnation)})`;
    return {
      at,
      text: `${from} → ${to} settled by ${who(settledBy)}, ${retries} retries, ${crashes} crashes ${run ?? ''}`,
    };
  });
  const reported = [...pods, ...submitters].flatMap(({ life, entries }) =>
    entries
      .filter((entry) => entry.stepId === stepId)
      .map(({ at, what, run, how, version }) => ({
        at,
        text: [life, what, run, how, version].filter((x) => x !== undefined).join(' '),
      })),
  );
  return [...own, ...reported]
    .sort((a, b) => a.at - b.at)
    .slice(-LONGEST)
    .map(({ at, text }) => `${at} ${text}`);
}
