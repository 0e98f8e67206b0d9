import { ApiTokenEntity } from './api-token.entity.js';
import { AuthorityEntity } from './authority.entity.js';
import { IssuedCertificateEntity } from './issued-certificate.entity.js';
import { RevocationEntity } from './revocation.entity.js';

/** Tables whose rows are values of their own. What a change writes together goes through statements instead. */
export const ENTITIES = [ApiTokenEntity, AuthorityEntity, IssuedCertificateEntity, RevocationEntity];
