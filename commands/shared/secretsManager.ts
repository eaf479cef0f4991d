import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { messageOf, PlainError } from "../../text/errors";

/** The current text of a secret, read with the credentials of this machine's AWS configuration. */
export async function awsSecret(arn: string): Promise<string> {
    const region = arn.split(":")[3];
    const client = new SecretsManagerClient({ region });
    try {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
        if (SecretString === undefined) {
            throw new PlainError(`The secret ${arn} has no text.`);
        }
        return SecretString;
    } catch (cause) {
        const reason = messageOf(cause);
        throw new PlainError(
            `The secret ${arn} cannot be read (${reason}); check the AWS credentials, or set AUDIT_TRAIL_SOURCE_URL and AUDIT_TRAIL_AUDIT_URL.`,
            { cause },
        );
    } finally {
        client.destroy();
    }
}
