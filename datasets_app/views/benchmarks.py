"""The desk's page of benchmarks: which there are, and adding one."""

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from core.errors import Conflict, InvalidInput
from core.session import signed_in
from datasets_app.forms import BenchmarkForm
from datasets_app.services import benchmarks
from datasets_app.views.desk import curators_only


@curators_only
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The list, with a form to add one; what is wrong with a file is told beside the form, and nothing of it is kept."""
    form = BenchmarkForm(request.POST, request.FILES) if request.method == "POST" else BenchmarkForm()
    if form.is_valid() and _added(request, form):
        return redirect("datasets:benchmarks")
    return render(request, "datasets_app/benchmarks.html", {"form": form, "benchmarks": benchmarks.listed()})


def _added(request: HttpRequest, form: BenchmarkForm) -> bool:
    file: UploadedFile = form.cleaned_data["file"]
    try:
        found, new = benchmarks.add(signed_in(request), file.read(benchmarks.MOST_BYTES + 1))
    except (InvalidInput, Conflict) as error:
        form.add_error("file", str(error))
        return False
    if new:
        messages.success(request, f"The benchmark {found.name} is added. Choose it when you build the next release.")
    else:
        messages.info(request, f"The benchmark {found.name} is there already, with the same texts.")
    return True
