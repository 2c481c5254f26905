/** The store contract suite on Snowflake, with every read as late as the store allows for. */
import { describeSnowflake } from './support/conformance.js';

describeSnowflake('Snowflake with late reads', { late: true });
