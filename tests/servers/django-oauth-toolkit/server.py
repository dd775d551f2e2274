"""django-oauth-toolkit at the paths of Wyn Enterprise, in one file, with an API that takes its tokens.

Usage: `server.py FOLDER` makes the database there; `server.py FOLDER PORT` serves it from memory, until its standard
input ends.
"""

import os
import pathlib
import sqlite3
import sys
import threading

import django
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

folder = pathlib.Path(sys.argv[1])
port = sys.argv[2] if len(sys.argv) > 2 else None
folder.mkdir(parents=True, exist_ok=True)
key = folder / "oidc.pem"
seed = folder / "db.sqlite3"
if not key.exists():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, plain))


class Quick(PBKDF2PasswordHasher):
    """A million rounds for each password and client secret would be most of the tests' time."""

    iterations = 1


# Each run begins with what was seeded, and writes to memory alone.
memory = "file:served?mode=memory&cache=shared"
if port:
    kept = sqlite3.connect(memory, uri=True)
    sqlite3.connect(seed).backup(kept)

settings.configure(
    DEBUG=False,
    SECRET_KEY="for-tests-only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": memory if port else str(seed),
            "OPTIONS": {"timeout": 20, "uri": True} if port else {},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=["oauth2_provider.middleware.OAuth2TokenMiddleware"],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "oauth2_provider.backends.OAuth2Backend",
    ],
    PASSWORD_HASHERS=[f"{__name__}.Quick"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "SCOPES": {"api": "API", "openid": "OIDC"},
        "DEFAULT_SCOPES": ["api"],
        "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": key.read_text(),
        "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}",
    },
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider import views  # noqa: E402
from oauth2_provider.decorators import protected_resource  # noqa: E402


@protected_resource()
def whoami(request):
    return JsonResponse({"user": request.resource_owner.username})


def make_accounts():
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import get_application_model

    user_model, client_model = get_user_model(), get_application_model()
    for name, password in [("admin", "admin-password"), ("ø+&% 😀", 'p ø+&%=😀"ü')]:
        user = user_model(username=name)
        user.set_password(password)
        user.save()
    password_grant = client_model.GRANT_PASSWORD
    for client, secret, grant in [
        ("integration", "integration-secret-0123456789abcdef", password_grant),
        ("special", 's+e&c %r=t:/"x', password_grant),
        ("special8", 's+e&c %r=t:/"xø😀', password_grant),
        ("other", "other-secret-0123456789abcdef", password_grant),
        ("nogrant", "nogrant-secret-0123456789", client_model.GRANT_CLIENT_CREDENTIALS),
    ]:
        client_model.objects.create(
            name=client,
            client_id=client,
            client_secret=secret,
            client_type=client_model.CLIENT_CONFIDENTIAL,
            authorization_grant_type=grant,
            algorithm=client_model.RS256_ALGORITHM,
        )


oauth2 = (
    [
        path("connect/token", views.TokenView.as_view(), name="token"),
        path("connect/revocation", views.RevokeTokenView.as_view(), name="revoke-token"),
        path("connect/introspect", views.IntrospectTokenView.as_view(), name="introspect"),
        path("connect/authorize", views.AuthorizationView.as_view(), name="authorize"),
        path("connect/userinfo", views.UserInfoView.as_view(), name="user-info"),
        path("connect/jwks", views.JwksInfoView.as_view(), name="jwks-info"),
        path(
            ".well-known/openid-configuration",
            views.ConnectDiscoveryInfoView.as_view(),
            name="oidc-connect-discovery-info",
        ),
    ],
    "oauth2_provider",
)
urlpatterns = [path("", include(oauth2, namespace="oauth2_provider")), path("api/whoami", whoami)]

if port:
    from waitress import serve

    def end_with_input():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_input, daemon=True).start()
    serve(get_wsgi_application(), host="127.0.0.1", port=int(port), threads=1)
else:
    call_command("migrate", interactive=False, verbosity=0)
    make_accounts()
