/**
 * The part of the store contract suite that exchanges, through the log, with late reads.
 *
 * Left out are tests whose pods stop to look while their requests stand in the log: an UPDATE may hand them steps. The storm of
 * random-faults.test.ts has pods that go on.
 */
import { describeSnowflake } from './support/conformance.js';

const groups = ['claim', 'settle', 'fence', 'late and repeated calls', 'cancel'] as const;

describeSnowflake('Snowflake through the log', { logged: true, late: true, groups });
