# Development, test and production in one file, built with --target test
FROM ruby:3.4-slim AS base
WORKDIR /app
FROM base AS deps
COPY Gemfile Gemfile.lock ./
RUN bundle install
FROM deps AS development
RUN apt-get update && apt-get install -y vim
FROM deps AS test
COPY . .
RUN bundle exec rspec
FROM base AS production
COPY --from=deps /usr/local/bundle /usr/local/bundle
COPY . .
