/** Two thousand fleets in the warehouse world, each with the disasters of its seed. */
import { describe } from 'vitest';
import { itKeepsEveryRule } from './seeds.js';

describe('a fleet in the warehouse world', () => itKeepsEveryRule('warehouse', 2_000));
