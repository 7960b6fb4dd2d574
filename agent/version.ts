declare const ENI_AGENT_VERSION: string | undefined;

/** Set by the bundler; `dev` when run from the sources. */
export const VERSION: string = typeof ENI_AGENT_VERSION === 'string' ? ENI_AGENT_VERSION : 'dev';
