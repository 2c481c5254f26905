/**
 * A process that judges without a fleet, for tests of the command: a plan is judged by what is in it.
 *
 * - A crash breaks the rule "no crash". Seeds that end in 7 have one.
 * - `roll` makes the simulation throw (seeds that end in 8), and `scale` to 0 ends the process (seeds that end in 9).
 * - `scale` to 1 never ends.
 */
import { NO_HAZARDS } from '../../plan/no-hazards.js';
import type { Action, Plan, WorldName } from '../../plan/plan.js';
import type { Finding, Judgement } from '../judgement.js';
import { serve } from '../serve.js';

const POD = { types: ['work'], slots: 2, heartbeatMs: 1_000, deadAfterMs: 5_000 };

function submit(at: number): Action {
  const behaviour = { does: 'returns', forMs: 10 } as const;
  return { at, do: 'submit', count: 8, type: 'work', priority: 3, delayMs: 50, maxRetries: 1, behaviour };
}

function planOf(world: WorldName, seed: number): Plan {
  const actions: Action[] = [
    submit(1_000),
    { at: 2_000, do: 'freeze', pod: 1, forMs: 8_000, monotonic: 'runs' },
    ...(seed % 10 === 7 ? [{ at: 3_000, do: 'crash', pod: 3, when: 'now' } as const] : []),
    ...(seed % 10 === 8 ? [{ at: 3_500, do: 'roll', everyMs: 1 } as const] : []),
    ...(seed % 10 === 9 ? [{ at: 3_500, do: 'scale', to: 0 } as const] : []),
    { at: 4_000, do: 'double', pod: seed % 5 },
    submit(5_000),
  ];
  const hazards = { ...NO_HAZARDS, latencyMs: 20, oldSources: true };
  return { seed, world, pods: [POD, POD, POD], hazards, actions, calmAt: 30_000 };
}

async function judge(plan: Plan, withTrace: boolean): Promise<Judgement> {
  const findings: Finding[] = [];
  for (const action of plan.actions) {
    if (action.do === 'crash') findings.push({ rule: 'no crash', at: action.at, text: `pod ${action.pod} crashed` });
    if (action.do === 'roll') throw new Error('the simulation itself failed');
    if (action.do === 'scale' && action.to === 0) process.exit(9);
    if (action.do === 'scale') await new Promise<void>(() => {});
  }
  const lines = [`${plan.world} ${plan.seed}`, ...plan.actions.map(({ at, do: verb }) => `${at} ${verb}`)];
  return { findings, ...(withTrace && { trace: lines.join('\n') }) };
}

serve({ planOf, judge });
