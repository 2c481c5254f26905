/** All cases. */
import { ANNOUNCEMENT_CASES } from './announcements.js';
import { CALM_CASES } from './calm.js';
import { MEMBERSHIP_CASES } from './membership.js';
import { ROW_CASES } from './rows.js';
import { SETTLEMENT_CASES } from './settlements.js';

export const CASES = [...ROW_CASES, ...SETTLEMENT_CASES, ...MEMBERSHIP_CASES, ...ANNOUNCEMENT_CASES, ...CALM_CASES];
