"""The app's addresses."""

from django.urls import path

from training_jobs.views import changing, reading

app_name = "runs"
urlpatterns = [
    path("", reading.run_list, name="runs"),
    path("new/", changing.launch, name="launch"),
    path("<int:run_id>/", reading.run_page, name="run"),
    path("<int:run_id>/live/", reading.run_live, name="live"),
    path("<int:run_id>/metrics/", reading.run_metrics, name="metrics"),
    path("<int:run_id>/cancel/", changing.cancel, name="cancel"),
    path("<int:run_id>/go-on/", changing.go_on, name="go-on"),
]
