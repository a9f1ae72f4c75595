"""Below ``/releases/``: the desk of the curators first, then the releases themselves."""

from django.urls import path

from datasets_app.views import acts, benchmarks, cards, comparing, curation, desk, pages, sources

app_name = "datasets"
urlpatterns = [
    path("", pages.release_list, name="releases"),
    path("desk/", desk.desk, name="desk"),
    path("desk/ingest/", acts.ingest, name="ingest"),
    path("desk/build/", acts.build, name="build"),
    path("desk/sources/", sources.kinds, name="source-kinds"),
    path("desk/sources/add/<slug:kind>/", sources.add, name="source-add"),
    path("desk/sources/of/<slug:name>/", sources.page, name="source"),
    path("desk/sources/of/<slug:name>/change/", sources.change, name="source-change"),
    path("desk/benchmarks/", benchmarks.page, name="benchmarks"),
    path("desk/honour/", acts.honour, name="honour"),
    path("desk/compare/", comparing.compare, name="compare"),
    path("desk/<str:name>/<str:version>/", desk.desk_release, name="desk-release"),
    path("desk/<str:name>/<str:version>/decisions/", comparing.decisions, name="decisions"),
    path("desk/<str:name>/<str:version>/live/", desk.desk_live, name="desk-live"),
    path("desk/<str:name>/<str:version>/clusters/", curation.clusters, name="clusters"),
    path("desk/<str:name>/<str:version>/clusters/<str:blob_id>/", curation.cluster, name="cluster"),
    path("desk/<str:name>/<str:version>/contamination/", curation.contamination, name="contamination"),
    path("desk/<str:name>/<str:version>/approve/", acts.approve, name="approve"),
    path("desk/<str:name>/<str:version>/publish/", acts.publish, name="publish"),
    path("desk/<str:name>/<str:version>/reject/", acts.reject, name="reject"),
    path("desk/<str:name>/<str:version>/withdraw/", acts.withdraw, name="withdraw"),
    path("<str:name>/<str:version>/", pages.release_page, name="release"),
    path("<str:name>/<str:version>/files/", pages.file_list, name="files"),
    path("<str:name>/<str:version>/files/<int:repository_id>/<path:path>", pages.file_page, name="file"),
    path("<str:name>/<str:version>/manifest.json", pages.manifest, name="manifest"),
    path("<str:name>/<str:version>/croissant.json", cards.croissant_card, name="croissant"),
    path("<str:name>/<str:version>/training-content/", cards.training_content, name="training-content"),
    path("<str:name>/<str:version>/training-content.md", cards.training_content_markdown, name="training-content-md"),
    path("<str:name>/<str:version>/training-content.json", cards.training_content_json, name="training-content-json"),
    path("<str:name>/<str:version>/<path:served>", pages.shard, name="shard"),
]
