/**
 * Plans in which callers and handlers do each odd thing that they can do: handlers throw and return what nobody expects, also after
 * their abort, and callers submit in every form, wait in every way, and call with bad input. The store does nothing wrong.
 *
 * For: what few other plans do, each of which does some of it.
 */
import { NO_HAZARDS } from './no-hazards.js';
import type { Action, Behaviour, PodPlan, SubmissionForm, WaitHow } from './plan.js';
import type { Random } from './seeded-random.js';
import { EVERY_TYPE, work, type Theme } from './theme.js';

/** As many as handlers can throw, return, or submit in odd ways. */
const ODD = { errors: 32, results: 24, children: 6, manyChildren: 9 } as const;
/** Of the errors. */
const STOPPED = 30;
/** Calls that only read, and calls with bad input: one action makes some of them. */
const LOOKS = [0, 9];
const MISUSES = Array.from({ length: 9 }, (_, i) => 12 * i);

const FORMS: readonly SubmissionForm[] = [
  ...(['one by one', 'by definition', 'under a key', 'under a key, by definition'] as const),
  ...(['for an instant', 'without ids', 'each twice', 'without args'] as const),
];
const WAITS: readonly WaitHow[] = ['briefly', 'aborted before', 'aborted later', 'without a time-out', 'for all'];

/** The type `timed` aborts its handlers after a second. */
const TOO_LONG_MS = 1_200;
/** A pod that stops aborts its handlers after two seconds. */
const VERY_LONG_MS = 4_000;
const EACH_MS = 60;
const WORK_MS = 9_000;

export const oddPlan: Theme = (_, random) => {
  const pod = (): PodPlan => ({ types: EVERY_TYPE, slots: random.whole(8, 12), heartbeatMs: 500, deadAfterMs: 3_000 });
  const behaviours: Behaviour[] = [
    ...all(ODD.errors).flatMap((odd) => [5, 50].map((forMs) => ({ does: 'throws oddly', forMs, odd }) as const)),
    ...all(ODD.results).flatMap((odd) => [5, 50].map((forMs) => ({ does: 'returns oddly', forMs, odd }) as const)),
    ...all(ODD.children).map((odd) => ({ does: 'submits another', forMs: 5, odd }) as const),
    ...all(ODD.manyChildren).map((odd) => ({ does: 'submits many', forMs: 5, odd }) as const),
    ...([0, 1] as const).map((odd) => ({ does: 'releases once', forMs: 50, odd }) as const),
    ...(['retries later', 'fails permanently', 'returns what JSON cannot carry', 'returns too much'] as const).map(
      (does) => ({ does, forMs: 5 }),
    ),
  ];
  const late = all(ODD.errors).map((odd): Action => {
    const behaviour = { does: 'throws oddly', forMs: TOO_LONG_MS, odd } as const;
    return work(random.whole(0, WORK_MS), { count: 1, behaviour, type: 'timed', maxRetries: 1 });
  });
  return {
    pods: [pod(), pod()],
    hazards: { ...NO_HAZARDS, latencyMs: random.pick([0, 10]) },
    habits: { carrier: random.whole(0, 10), hearsExchanges: true },
    actions: [
      ...behaviours.map((behaviour, i) => work(500 + i * EACH_MS, { count: 1, behaviour, maxRetries: 1 })),
      ...late,
      ...strays(),
      ...FORMS.map((form, i) => work(700 * i, { count: 2, form })),
      work(6_000, { count: 2, form: 'without args', type: 'checked', maxRetries: 0 }),
      ...unheard(),
      ...callsOf(random),
      ...stopping(random),
    ],
  };
};

/** Handlers that ignore their signal, for so long that their step comes back, or return nothing after their abort. */
function strays(): Action[] {
  const ignoring = (forMs: number, odd: number): Action =>
    work(odd * 100, { count: 2, behaviour: { does: 'ignores its signal', forMs, odd }, type: 'timed', maxRetries: 2 });
  return [ignoring(5_000, 0), ignoring(TOO_LONG_MS, 1), ignoring(TOO_LONG_MS, 2)];
}

function callsOf(random: Random): Action[] {
  const at = (): number => random.whole(500, WORK_MS);
  const step = (): number => random.whole(0, 1_000);
  return [
    ...WAITS.map((how): Action => ({ at: at(), do: 'wait', step: step(), how })),
    ...LOOKS.flatMap((from): Action[] => all(3).map(() => ({ at: at(), do: 'look', from }))),
    ...MISUSES.map((from): Action => ({ at: at(), do: 'misuse', from })),
    ...all(4).flatMap((): Action[] => [
      { at: at(), do: 'cancel', step: step(), twice: true },
      { at: at(), do: 'retry', step: step() },
      { at: at(), do: 'resubmit', step: step() },
      { at: at(), do: 'resubmit', step: step(), other: true },
    ]),
  ];
}

/** The first step of all: of a type that no pod handles. Somebody waits for it, and somebody cancels it. */
function unheard(): Action[] {
  return [
    work(0, { count: 1, type: 'unheard of' }),
    { at: 100, do: 'wait', step: 0, how: 'briefly' },
    { at: 300, do: 'cancel', step: 0 },
  ];
}

/** A pod stops while its handlers run: they throw after their abort. Then the store is away for a moment. */
function stopping(random: Random): Action[] {
  const long = all(8).map((): Action => {
    const behaviour = { does: 'throws oddly', forMs: VERY_LONG_MS, odd: random.whole(0, ODD.errors) } as const;
    return work(WORK_MS, { count: 2, behaviour });
  });
  // A handler may throw what the queue rejects its calls with when it stops.
  const stopped = [
    work(WORK_MS, { count: 2, behaviour: { does: 'throws oddly', forMs: VERY_LONG_MS, odd: STOPPED } }),
    work(WORK_MS, { count: 2, behaviour: { does: 'waits for another', forMs: 5 }, maxRetries: 0 }),
  ];
  return [
    ...long,
    ...stopped,
    { at: WORK_MS + 800, do: 'restart', pod: 0, hard: false },
    { at: WORK_MS + 6_000, do: 'cut', pod: 'all', forMs: 900, how: 'fails' },
  ];
}

function all(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
