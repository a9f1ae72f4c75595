"""The portal's addresses."""

from django.urls import path, register_converter

from portal.references import Reference
from portal.views import (
    desk,
    desk_request,
    notices,
    objections,
    opt_out,
    replies,
    requests,
    search,
    search_code,
    search_list,
    transparency,
)

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
    path("requests/<reference:reference>/answer", replies.answer, name="answer"),
    path("requests/<reference:reference>/appeal", replies.appeal, name="appeal"),
    path("requests/<reference:reference>/undo", replies.undo, name="undo"),
    path("requests/<reference:reference>/object", objections.by_account, name="object"),
    path("objections/<str:key>/", objections.by_link, name="object-by-link"),
    path("notices/", notices.notice_list, name="notices"),
    path("notices/read", notices.read, name="notices-read"),
    path("notices/<int:number>", notices.follow, name="notice"),
    path("desk/", desk.queue, name="desk"),
    path("desk/many", desk.many, name="desk-many"),
    path("desk/<reference:reference>/", desk_request.request_page, name="desk-request"),
    path("desk/<reference:reference>/verify", desk_request.verify, name="desk-verify"),
    path("desk/<reference:reference>/accept", desk_request.accept, name="desk-accept"),
    path("desk/<reference:reference>/accept-part", desk_request.accept_part, name="desk-accept-part"),
    path("desk/<reference:reference>/reject", desk_request.reject, name="desk-reject"),
    path("desk/<reference:reference>/ask", desk_request.ask, name="desk-ask"),
    path("desk/<reference:reference>/extend", desk_request.extend, name="desk-extend"),
    path("desk/<reference:reference>/weigh", desk_request.weigh, name="desk-weigh"),
]
