-- migrate: atomic = false
COPY users TO STDOUT;
