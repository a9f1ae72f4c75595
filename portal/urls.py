"""The portal's addresses."""

from django.urls import path

from portal.views import desk, opt_out, requests, search, transparency

app_name = "portal"
urlpatterns = [
    path("", search.start, name="start"),
    path("search", search.search, name="search"),
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
    path("opt-out/sent/<str:reference>", opt_out.confirmation, name="opt-out-sent"),
    path("requests/", requests.request_list, name="requests"),
    path("requests/<str:reference>/", requests.request_page, name="request"),
    path("requests/<str:reference>/proof", requests.proof, name="proof"),
    path("requests/<str:reference>/proof/checks", requests.proof_checks, name="proof-checks"),
    path("requests/<str:reference>/challenge", requests.new_challenge, name="challenge"),
    path("requests/<str:reference>/withdraw", requests.withdraw, name="withdraw"),
    path("desk/", desk.queue, name="desk"),
    path("desk/<str:reference>/", desk.request_page, name="desk-request"),
    path("desk/<str:reference>/verify", desk.verify, name="desk-verify"),
    path("desk/<str:reference>/accept", desk.accept, name="desk-accept"),
    path("desk/<str:reference>/reject", desk.reject, name="desk-reject"),
]
