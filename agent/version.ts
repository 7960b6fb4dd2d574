declare const ENI_AGENT_VERSION: string | undefined;
declare const ENI_AGENT_COMMIT: string | undefined;

/** Set by the bundler; `dev` when run from the sources. */
export const VERSION: string = typeof ENI_AGENT_VERSION === 'string' ? ENI_AGENT_VERSION : 'dev';

/** The commit that the bundle was made from; `unknown` where the bundler was not given one. */
export const COMMIT: string = typeof ENI_AGENT_COMMIT === 'string' ? ENI_AGENT_COMMIT : 'unknown';
