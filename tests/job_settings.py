"""The settings of job processes that the tests start: the usual ones and the tests' own kinds of job."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobkinds.apps.JobKindsConfig"]
