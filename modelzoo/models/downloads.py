"""How often a model was fetched. A figure a day; nothing about who."""

from django.db import models

from modelzoo.models.zoo import ZooModel


class DownloadCount(models.Model):
    """Loads of one model on one day: fetches of its ``config.json``, which every client makes once a load."""

    model = models.ForeignKey(ZooModel, on_delete=models.CASCADE, related_name="downloads")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "day"], name="one_count_a_day")]

    def __str__(self) -> str:
        return f"{self.model} {self.day}: {self.count}"
