/** Views of pods, as a heartbeat's answer holds them. */
import type { PodView } from '../../../src/store/contract.js';

export function viewOf(incarnation: string, given: Partial<PodView> & { podId?: string } = {}): PodView {
  const { podId = incarnation, ...rest } = given;
  return {
    pod: { podId, incarnation },
    ageMs: 60_000,
    silentForMs: 0,
    beat: '1',
    heartbeatMs: 2_000,
    deadAfterMs: 15_000,
    eligible: true,
    asleep: false,
    exited: false,
    meta: {},
    ...rest,
  };
}
