/** The store contract suite on Snowflake, where every read is fresh. */
import { describeSnowflake } from './support/conformance.js';

describeSnowflake('Snowflake', 'fresh');
