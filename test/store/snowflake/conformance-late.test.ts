/** The store contract suite on Snowflake, where every session sees what others commit as late as the store reckons with. */
import { describeSnowflake } from './support/conformance.js';

describeSnowflake('Snowflake with late reads', 'late');
