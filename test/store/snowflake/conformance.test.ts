/** The store contract suite on Snowflake, with fresh reads. */
import { describeSnowflake } from './support/conformance.js';

describeSnowflake('Snowflake');
