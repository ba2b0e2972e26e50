# A stage name used twice: the last one before the use counts
FROM alpine:3.21 AS build
RUN echo one > /out
FROM scratch AS first
COPY --from=build /out /out
FROM alpine:3.22 AS build
RUN echo two > /out
FROM first
COPY --from=BUILD /out /out2
COPY --from=2 /out /out3
