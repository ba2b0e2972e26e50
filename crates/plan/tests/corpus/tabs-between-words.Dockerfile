# Tabs wherever there could be a blank
FROM	python:3.13-slim	AS	base
WORKDIR	/app
COPY	requirements.txt	setup.py	./
RUN	--mount=type=cache,target=/root/.cache/pip	pip install -r requirements.txt
ENV	A=1	B=2
EXPOSE	80	443/tcp
USER	nobody
CMD	["python",	"-m",	"app"]
