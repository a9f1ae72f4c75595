"""The portal's addresses."""

from django.urls import path, register_converter

from portal.references import Reference
from portal.views import desk, opt_out, requests, search, search_code, search_list, transparency

register_converter(Reference, "reference")

app_name = "portal"
urlpatterns = [
    path("", search.start, name="start"),
    path("search", search.search, name="search"),
    path("search/code", search_code.search_code, name="search-code"),
    path("search/accounts", search_list.search_accounts, name="search-accounts"),
    path("find", search.find, name="find"),
    path("docs/<slug:slug>", search.document, name="document"),
    path("licences/<slug:key>", search.licence, name="licence"),
    path("transparency/", transparency.page, name="transparency"),
    path("opt-out/", opt_out.start, name="opt-out"),
    path("opt-out/account", opt_out.account, name="opt-out-account"),
    path("opt-out/scope", opt_out.scope, name="opt-out-scope"),
    path("opt-out/repositories", opt_out.repositories, name="opt-out-repositories"),
    path("opt-out/message", opt_out.message, name="opt-out-message"),
    path("opt-out/check", opt_out.check, name="opt-out-check"),
    path("opt-out/discard", opt_out.discard, name="opt-out-discard"),
    path("opt-out/sent/<reference:reference>", opt_out.confirmation, name="opt-out-sent"),
    path("requests/", requests.request_list, name="requests"),
    path("requests/<reference:reference>/", requests.request_page, name="request"),
    path("requests/<reference:reference>/proof", requests.proof, name="proof"),
    path("requests/<reference:reference>/proof/checks", requests.proof_checks, name="proof-checks"),
    path("requests/<reference:reference>/challenge", requests.new_challenge, name="challenge"),
    path("requests/<reference:reference>/withdraw", requests.withdraw, name="withdraw"),
    path("desk/", desk.queue, name="desk"),
    path("desk/<reference:reference>/", desk.request_page, name="desk-request"),
    path("desk/<reference:reference>/verify", desk.verify, name="desk-verify"),
    path("desk/<reference:reference>/accept", desk.accept, name="desk-accept"),
    path("desk/<reference:reference>/reject", desk.reject, name="desk-reject"),
]
