/** The verbs that read, on SQLite, in a real shell. */
import { describe } from 'vitest';
import { sqliteGround } from './support/ground.js';
import { describeReading } from './support/reading.js';

describe('on SQLite', () => describeReading(sqliteGround));
