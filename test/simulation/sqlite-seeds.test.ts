/** Two thousand fleets in the sqlite world, each with the disasters of its seed. */
import { describe } from 'vitest';
import { itKeepsEveryRule } from './seeds.js';

describe('a fleet in the sqlite world', () => itKeepsEveryRule('sqlite', 2_000));
