/* The provider rejects the credentials: the error has all details, and later calls send nothing. */
#include "support.h"

int main(void)
{
    tokenlease_client *client = client_of_environment();
    tokenlease_token *token = NULL;
    for (int i = 0; i < 3; i++) {
        tokenlease_error *error = NULL;
        tokenlease_status status = tokenlease_client_token(client, NULL, &token, &error);
        EXPECT(status == TOKENLEASE_CREDENTIALS_REJECTED);
        EXPECT(tokenlease_error_status(error) == status && !token);
        EXPECT(strcmp(tokenlease_status_name(status), "credentials_rejected") == 0);
        EXPECT(!tokenlease_error_is_retryable(error));
        EXPECT(tokenlease_error_retry_after_ms(error) == TOKENLEASE_NONE);
        EXPECT(strstr(tokenlease_error_message(error), tokenlease_error_detail(error)));
        if (i > 0) {
            /* The circuit is open; the error says until when. */
            EXPECT(tokenlease_error_until_ms(error) > 0);
        }
        printf("%s\n%s\n%d %s\n", tokenlease_error_message(error), tokenlease_error_detail(error),
               (int)tokenlease_error_http_status(error),
               tokenlease_error_code(error) ? tokenlease_error_code(error) : "-");
        tokenlease_error_free(error);
    }
    tokenlease_client_free(client);
    return 0;
}
