/** All lists of mutants. */
import { claimMutants } from './lists/claims.js';
import { clientMutants } from './lists/clients.js';
import { fleetMutants } from './lists/fleet.js';
import { settlementMutants } from './lists/settlement.js';
import { sleepMutants } from './lists/sleep.js';
import { statementMutants } from './lists/statements.js';
import type { Mutant } from './mutant.js';

export const allMutants: readonly Mutant[] = [
  ...settlementMutants,
  ...claimMutants,
  ...fleetMutants,
  ...clientMutants,
  ...sleepMutants,
  ...statementMutants,
];
