/** A process whose only rule is that a step with two crashes is a suspect. Seed 3 breaks a rule whatever the library does. */
import { isSuspect } from '../../../../src/step/crash-suspect.js';
import { serve } from '../../command/serve.js';
import type { Finding } from '../../command/judgement.js';
import type { Plan } from '../../plan/plan.js';

serve({
  planOf: (world, seed) => ({ world, seed }) as Plan,
  judge: async ({ seed }) => {
    const findings: Finding[] = [];
    if (seed === 3) findings.push({ rule: 'always broken', at: 0, text: 'seed 3' });
    if (seed >= 3 && !isSuspect({ crashes: 2 })) findings.push({ rule: 'suspects', at: 0, text: 'not found' });
    return { findings };
  },
});
