"""The Hub protocol's addresses, at the root. None ends in a slash: clients would follow the redirect without their token."""

from django.urls import path

from modelzoo import converters  # noqa: F401 - "repo"
from modelzoo.hub import account, info, resolve, tree

app_name = "hub"
urlpatterns = [
    path("api/whoami-v2", account.whoami, name="whoami"),
    path("api/agent-harnesses", account.agent_harnesses, name="agent-harnesses"),
    path("api/telemetry/<path:topic>", account.telemetry, name="telemetry"),
    path("api/models", info.model_list, name="models"),
    path("api/models/<repo:org>/<repo:name>", info.model_info, name="model"),
    path("api/models/<repo:org>/<repo:name>/revision/<path:rev>", info.model_info, name="revision"),
    path("api/models/<repo:org>/<repo:name>/refs", info.refs, name="refs"),
    path("api/models/<repo:org>/<repo:name>/auth-check", info.auth_check, name="auth-check"),
    path("api/models/<repo:org>/<repo:name>/tree/<path:rest>", tree.tree, name="tree"),
    path("api/models/<repo:org>/<repo:name>/paths-info/<path:rev>", tree.paths_info, name="paths-info"),
    path("<repo:org>/<repo:name>/resolve/<path:rest>", resolve.resolve, name="resolve"),
    # Names without an organisation, such as "gpt2": the client hears that they are not here, in its own words.
    path("api/models/<repo:name>", info.no_such_model, name="bare-model"),
    path("api/models/<repo:name>/revision/<path:rest>", info.no_such_model, name="bare-revision"),
    path("<repo:name>/resolve/<path:rest>", info.no_such_model, name="bare-resolve"),
]
