# One image for every process of docker-compose.yml. Build: docker build -t fairstack .
# A machine with GPUs: --build-arg TORCH_INDEX= takes PyPI's CUDA build of torch.
FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/srv/fairstack/.venv/bin:$PATH

RUN apt-get update \
    && apt-get install -y --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /srv/fairstack fairstack \
    && install -d -o fairstack -g fairstack /data /keys

USER fairstack
WORKDIR /srv/fairstack
COPY --chown=fairstack requirements requirements
COPY --chown=fairstack scripts/make_env.sh scripts/make_env.sh
RUN TORCH_INDEX=$TORCH_INDEX PYTHON=/usr/local/bin/python3.11 scripts/make_env.sh && rm -rf ~/.cache
COPY --chown=fairstack . .
RUN SECRET_KEY=only-for-this-step-of-the-build-0000 FAIRSTACK_KEY=only-for-this-step-of-the-build-0000 \
    FAIRSTACK_SIGNING_KEY=only-for-this-step-of-the-build-0000 \
    FAIRSTACK_DATA=/tmp/build python manage.py collectstatic --noinput --verbosity 0

ENV FAIRSTACK_DEPLOYED=1 FAIRSTACK_DATA=/data FAIRSTACK_KEYS=/keys
VOLUME /data /keys
EXPOSE 8000
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000"]
